-- Which actions make sense now. The controller judges them all the same: one that can't be carried out is refused in the status.
local status = obj.status or {}
local phase = status.phase
local stepping = phase == "Progressing" or phase == "WaitingPromotion"
local gated = status.gate ~= nil and not status.gate.approved
local paused = status.pausedAt ~= nil

local function action(possible)
  return {["disabled"] = not possible}
end

return {
  ["pause"] = action(stepping and not paused),
  ["resume"] = action(stepping and paused),
  ["promote"] = action(stepping),
  ["promote-full"] = action(stepping),
  ["abort"] = action(stepping or phase == "Waiting" or phase == "Promoting"),
  ["retry"] = action(phase == "Failed"),
  ["approve"] = action(gated)
}
