# One image for every part: Prefect servers, workers, runs, bootstrap, command line. compose.yaml says which is which.
FROM python:3.11-slim-bookworm

# Nothing of the image is worth root; the home is a volume where somebody wants to keep it.
RUN useradd --create-home --uid 1000 drupal
WORKDIR /app

# The lock first: this layer changes only when a dependency does. prefect-redis is in it, for several servers.
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock

COPY . ./
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .

USER 1000
ENV DRUPAL_TICKETS_HOME=/home/drupal/.drupal-tickets \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1

ENTRYPOINT []
CMD ["drupal-tickets", "--help"]
