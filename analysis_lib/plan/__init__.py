"""What a profile takes before it runs: questions, operations, memory, disk, and minutes on machines by name."""

from .limits import Room, refusals
from .machines import GPUS, Gpu, known_gpu
from .planning import ModelPlan, Plan, plan_profile
from .telling import as_data, told

__all__ = ["GPUS", "Gpu", "ModelPlan", "Plan", "Room", "as_data", "known_gpu", "plan_profile", "refusals", "told"]
