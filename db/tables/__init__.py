"""The tables by subject; `db.models` holds all of them."""
