"""What is wrong with a spec, one file per kind of trouble."""
