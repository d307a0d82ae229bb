"""What is sold: catalog files read, compared with what there is, and applied."""
