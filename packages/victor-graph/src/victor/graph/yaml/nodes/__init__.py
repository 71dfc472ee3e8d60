"""The node types that do work: agent, compute, transform, hitl. Each is a `victor.graph.yaml.context.NodeType`."""
