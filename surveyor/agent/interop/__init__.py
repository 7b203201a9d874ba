"""Meeting other tools: Inspect's log format, MCP both ways, OpenTelemetry, other harnesses."""
