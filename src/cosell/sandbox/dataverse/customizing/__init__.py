"""What administrators do: tables, columns, keys, choices, forms, roles and solutions (sheet section 5)."""
