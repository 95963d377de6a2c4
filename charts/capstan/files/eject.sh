# Stops Capstan and takes its finalizer off every HelmRelease, so that these and their namespaces can be deleted when nobody is left to
# take it off. No release is uninstalled, and no object of a repository is deleted.
set -euo pipefail

finalizer=capstan.dev/release
scope=(--all-namespaces)
if [[ -n ${RELEASE_NAMESPACE:-} ]]; then scope=(--namespace "$RELEASE_NAMESPACE"); fi

# while it runs it would put them back on
if [[ -n ${SCALED_OBJECT:-} ]]; then
  kubectl annotate scaledobject --namespace "$NAMESPACE" "$SCALED_OBJECT" autoscaling.keda.sh/paused-replicas=0 --overwrite
fi
kubectl scale deployment --namespace "$NAMESPACE" --selector "$SELECTOR" --replicas=0
kubectl wait pod --namespace "$NAMESPACE" --selector "$SELECTOR" --for=delete --timeout="${GRACE_SECONDS}s"

# a failure to ask is none of this: the uninstall stops and can be tried again
groups=$(kubectl get --raw /apis)
if [[ $groups != *'"helm.fluxcd.io"'* ]]; then
  echo "HelmReleases are not defined in this cluster"
  exit 0
fi

template='{{range .items}}{{$ns := .metadata.namespace}}{{$name := .metadata.name}}{{range $at, $one := .metadata.finalizers}}'
template+='{{if eq $one "'$finalizer'"}}{{$ns}} {{$name}} {{$at}}{{"\n"}}{{end}}{{end}}{{end}}'
found=$(kubectl get helmreleases.helm.fluxcd.io "${scope[@]}" --output go-template="$template")
while read -r namespace name at; do
  [[ -n $namespace ]] || continue
  path=/metadata/finalizers/$at
  patch='[{"op":"test","path":"'$path'","value":"'$finalizer'"},{"op":"remove","path":"'$path'"}]'
  kubectl patch helmreleases.helm.fluxcd.io "$name" --namespace "$namespace" --type=json --patch "$patch"
done <<<"$found"
