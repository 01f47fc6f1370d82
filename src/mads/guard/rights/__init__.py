"""Who may call what: rules, the table they are compiled to, and the conditions some of them have."""
