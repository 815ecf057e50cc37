"""A suite of pictures of cut pieces on a table, with their truth: fast 2-D compositing, independent of the locator."""
