#!/usr/bin/env bash
# store-secret.sh: makes the Secret gan-store for the store inside the cluster, with keys that nobody has seen; keeps one
# that is there. For a store elsewhere make it yourself: docs/install.md has the command, under The store.
set -euo pipefail
namespace=${1:-kubeflow}
if kubectl get secret gan-store --namespace "$namespace" > /dev/null 2>&1; then
  echo "Secret gan-store is there already"
  exit
fi
random() { head -c 24 /dev/urandom | base64 | tr -d '+/=' ; }
# by a file descriptor, so that the keys stand in no list of processes
kubectl create secret generic gan-store --namespace "$namespace" --from-env-file=<(
  echo "AWS_ACCESS_KEY_ID=gan-$(random)"
  echo "AWS_SECRET_ACCESS_KEY=$(random)"
  echo "AWS_ENDPOINT_URL=http://gan-s3.$namespace:9000"
  echo "AWS_REGION=us-east-1"
)
