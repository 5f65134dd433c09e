"""The analyses, one file each: ``analyse(company, policy, upstream) -> Result``. They do not import each other; what one needs
of another comes as its saved result."""
