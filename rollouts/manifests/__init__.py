"""Manifests in files: YAML as kubectl reads it, with the line of each field. Knows no kind and no cluster."""
