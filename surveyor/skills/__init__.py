"""What was learned: skill documents, workflows, retrieval, distillation and the gate."""
