"""Questions with exact answers, margins, evidence and proof, asked of a `SceneTruth`."""
