"""An autoscaler in the lab: what becomes of the stable side's size while a canary takes half of its load.

    python -m e2e.scaling               all stories: `make lab-scaling`
    python -m e2e.scaling --only keda   those beside a ScaledObject: see keda/

The application and its autoscaler are those of examples/scaling, its gateway that of examples/first-light. 500 requests
a second need four pods. `runs` plays and records, `judge` judges from the records alone.
"""
