"""Every query of the product, by subject."""
