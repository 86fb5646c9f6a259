"""Forces that machines have in common: of what turns, flows and strikes."""
