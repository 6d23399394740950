-- Health of a Canary for Argo CD: rollouts.dev/Canary. What the status says, in Argo CD's words; nothing is worked out here.
local status = obj.status or {}
local phase = status.phase

local function health(word, message)
  return {status = word, message = message or ""}
end

local function condition(kind)
  for _, one in ipairs(status.conditions or {}) do
    if one.type == kind then
      return one
    end
  end
  return {}
end

if obj.metadata.deletionTimestamp ~= nil or phase == "Terminating" then
  return health("Progressing", "Being deleted: the target gets its traffic back first")
end
if phase == nil or (status.observedGeneration or 0) < (obj.metadata.generation or 0) then
  return health("Progressing", "Waiting for the controller to look at this spec")
end

local stalled = condition("Stalled")
if phase == "Failed" then
  local why = condition("Promoted").message
  return health("Degraded", (why ~= nil and why ~= "") and why or stalled.message)
end
if stalled.status == "True" then
  return health("Degraded", stalled.reason .. ": " .. (stalled.message or ""))
end

-- What it waits for that time alone does not bring, or that a person may shorten.
if status.gate ~= nil and not status.gate.approved then
  local told = status.gate.message
  return health("Suspended", "Waits at the gate " .. status.gate.type .. ((told ~= nil and told ~= "") and ": " .. told or ""))
end
if status.hold ~= nil then
  return health("Suspended", status.hold.reason .. ": " .. status.hold.message)
end
if status.pausedAt ~= nil then
  return health("Suspended", "Paused since " .. status.pausedAt .. ": resume it")
end
if phase == "Waiting" or phase == "WaitingPromotion" then
  local why = condition("Promoted").message
  return health("Suspended", (why ~= nil and why ~= "") and why or phase)
end
if phase == "Initialized" or phase == "Succeeded" then
  return health("Healthy", condition("Promoted").message)
end
if obj.spec.suspend then
  return health("Suspended", "spec.suspend is set")
end

local where = phase
if phase == "Progressing" then
  local percent = 100 * (status.desiredWeight or 0) / (status.weightTotal or 100)
  where = string.format("Step %d of %d, %g %% of the traffic", status.stepIndex or 0, status.stepCount or 0, percent)
end
return health("Progressing", where)
