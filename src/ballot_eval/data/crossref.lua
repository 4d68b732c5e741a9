-- Numbers figures and tables (divs #fig-… and #tbl-…) and resolves @fig-… and @tbl-….
local names = { fig = "Figuur", tbl = "Tabel" }
local count, label = { fig = 0, tbl = 0 }, {}

local function kind_of(id)
  local kind = id:match("^(%a+)%-")
  return names[kind] and kind or nil
end

local function collect(div)
  local kind = kind_of(div.identifier)
  if not kind then return nil end
  count[kind] = count[kind] + 1
  label[div.identifier] = names[kind] .. " " .. count[kind]
  local blocks = pandoc.List(div.content)
  local caption = blocks:remove()
  local text = pandoc.List({ pandoc.Strong({ pandoc.Str(label[div.identifier] .. ": ") }) })
  text:extend(caption.content)
  -- A caption stands above a table and below a figure.
  blocks:insert(kind == "tbl" and 1 or #blocks + 1, pandoc.Para(text))
  return pandoc.Div(blocks, pandoc.Attr(div.identifier, { "float" }))
end

local function resolve(cite)
  local id = cite.citations[1].id
  if not kind_of(id) then return nil end
  if not label[id] then error("dangling reference @" .. id) end
  return pandoc.Link(label[id], "#" .. id)
end

return { { Div = collect }, { Cite = resolve } }
