"""The client: what submits runs to Kubeflow Pipelines, watches, stops and repeats them.

`address` is where the API is, `connection` how it is asked, `faults` what goes wrong there in words; one file a command
otherwise. `kfp.Client` is not used: it knows no CANCELED, dies on one 503, and its constructor raises urllib3's errors.
"""
