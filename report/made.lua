-- Leaves out the divs `::: {.made table="nl.NAME"}` and the spans `[…]{.made table="nl.NAME"}` of
-- which the table was not made, so that text about measurements comes in only where there are any.

local function readable(path)
  local handle = io.open(path)
  if handle then handle:close() end
  return handle ~= nil
end

-- The artefacts lie beside this file; where Quarto runs it from a file of its own, in the project.
local function artefacts()
  local script, project = PANDOC_SCRIPT_FILE or "", os.getenv("QUARTO_PROJECT_DIR") or "."
  for _, place in ipairs({ pandoc.path.directory(script), project }) do
    if readable(place .. "/_generated/artefacts.json") then return place .. "/_generated/" end
  end
  return "_generated/"
end

local base = artefacts()

local function when_made(element)
  if not element.classes:includes("made") then return nil end
  local language, name = element.attributes.table:match("^(%a+)%.(.+)$")
  return readable(base .. language .. "/tables/" .. name .. ".md") and element.content or {}
end

Div, Span = when_made, when_made
