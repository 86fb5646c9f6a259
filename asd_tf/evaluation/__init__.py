"""Metrics, official scores, tables, plots and reports of scored clips, whatever scored them."""
