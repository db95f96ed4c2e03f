#!/usr/bin/env bash
# workflow-controller.sh [NAMESPACE]: sets up Argo's controller, which makes every pod of every run of KFP. Safe to run
# again; to be run again after KFP was installed or upgraded.
#
# Pods get what workflow-controller.yaml says, and a finalizer, which keeps a pod that was deleted until the controller has
# seen how it ended: otherwise a pod deleted by force, or with its node, is not retried, and the run fails.
set -euo pipefail
cd "$(dirname "$0")"
namespace=${1:-kubeflow}
kubectl patch configmap workflow-controller-configmap --namespace "$namespace" --type merge \
  --patch-file workflow-controller.yaml
kubectl set env deployment/workflow-controller --namespace "$namespace" ARGO_POD_STATUS_CAPTURE_FINALIZER=true
kubectl rollout status deployment/workflow-controller --namespace "$namespace" --timeout 5m
