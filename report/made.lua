-- Leaves out the divs `::: {.made table="NAME"}` of which the table was not made, so that text
-- about measurements comes in only where there are any.

local project = os.getenv("QUARTO_PROJECT_DIR") or pandoc.path.directory(PANDOC_SCRIPT_FILE)

function Div(div)
  if not div.classes:includes("made") then return nil end
  local table = io.open(project .. "/_generated/tables/" .. div.attributes.table .. ".md")
  if not table then return {} end
  table:close()
  return div.content
end
