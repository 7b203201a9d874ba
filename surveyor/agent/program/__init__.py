"""The neuro-symbolic planner: a question becomes a typed program that measures its answer."""
