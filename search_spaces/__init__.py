"""Ready search spaces, one a YAML; hpo reads them as resources of the package."""
