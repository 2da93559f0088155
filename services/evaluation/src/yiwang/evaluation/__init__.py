"""Evaluation (考核评价): counts what befalls cases, and turns counts into rates, scores, rankings and signed reports."""
