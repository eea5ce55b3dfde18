"""Jingwei 经纬: run AI systems you can answer for, from intake to a guarded, signed release."""
