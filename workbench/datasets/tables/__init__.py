"""A user's own table of images, understood column by column, with every bad row named."""
