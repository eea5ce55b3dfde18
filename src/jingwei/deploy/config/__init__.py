"""Configuration of what an AI system runs on: containers, clusters, proxies, services, launch flags, cloud policies."""
