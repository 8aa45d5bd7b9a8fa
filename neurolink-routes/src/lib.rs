//! Ready-made route groups (health, agent, tools) and the offline engine of neurolink
