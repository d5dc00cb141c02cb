"""The browser workbench: pages that show, enqueue and poll, and never work for long themselves."""
