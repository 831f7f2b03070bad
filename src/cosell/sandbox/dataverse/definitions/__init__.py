"""The definitions of tables, columns, keys and relationships, as the metadata endpoints show them."""
