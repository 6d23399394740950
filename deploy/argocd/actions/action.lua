-- An intent, as an annotation: the controller carries it out once, for the revision that was seen, and says so in the status.
-- Argo CD has checked that its user may run this action; its account is who asks the API server, and so whose name this is:
-- deploy/policies/intents.yaml lets no other one through. Where Argo CD has another account, write that one.
local user = "system:serviceaccount:argocd:argocd-server"
local verb, full = VERB, FULL
local annotations = obj.metadata.annotations or {}
local revision = (obj.status or {}).lastAppliedSpec or ""
local id = "argocd-" .. os.time() .. "-" .. (obj.metadata.resourceVersion or "0")
annotations["actions.rollouts.dev/" .. verb] = string.format(
  '{"id": "%s", "revision": "%s", "user": "%s", "reason": "Argo CD"%s}', id, revision, user,
  full and ', "full": true' or "")
obj.metadata.annotations = annotations
return obj
