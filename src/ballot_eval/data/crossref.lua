-- Numbers figures and tables (divs #fig-… and #tbl-…, the caption last) and resolves @fig-…
-- and @tbl-…, as Quarto does.
local words = {
  nl = { fig = "Figuur", tbl = "Tabel" },
  en = { fig = "Figure", tbl = "Table" },
}
local names = words.nl
local count, label = { fig = 0, tbl = 0 }, {}

local function kind_of(id)
  local kind = id:match("^(%a+)%-")
  return names[kind] and kind or nil
end

-- In typst a native caption would be numbered a second time. The block keeps it with its table.
local function typst_block(div, kind, blocks, caption)
  blocks:insert(kind == "tbl" and 1 or #blocks + 1, pandoc.Para(caption))
  blocks:insert(1, pandoc.RawBlock("typst", "#block(breakable: false)["))
  blocks:insert(pandoc.RawBlock("typst", "]"))
  return pandoc.Div(blocks, pandoc.Attr(div.identifier))
end

local function choose(meta)
  names = words[pandoc.utils.stringify(meta.lang or "nl")] or names
end

local function collect(div)
  local kind = kind_of(div.identifier)
  if not kind then return nil end
  count[kind] = count[kind] + 1
  label[div.identifier] = names[kind] .. " " .. count[kind]
  local blocks = pandoc.List(div.content)
  local caption = pandoc.List({ pandoc.Strong({ pandoc.Str(label[div.identifier] .. ": ") }) })
  caption:extend(blocks:remove().content)
  if FORMAT:match("typst") then return typst_block(div, kind, blocks, caption) end
  local native = { pandoc.Plain(caption) }
  if kind == "fig" then
    return pandoc.Figure(blocks, { long = native }, pandoc.Attr(div.identifier))
  end
  local done = false
  blocks = blocks:map(function(block)
    if block.t == "Table" and not done then
      block.caption = { long = native }
      done = true
    end
    return block
  end)
  if not done then blocks:insert(pandoc.Para(caption)) end
  return pandoc.Div(blocks, pandoc.Attr(div.identifier, { "float" }))
end

local function resolve(cite)
  local id = cite.citations[1].id
  if not kind_of(id) then return nil end
  if not label[id] then error("dangling reference @" .. id) end
  return pandoc.Link(label[id], "#" .. id)
end

-- Ragged right reads easier; Pandoc's typst template justifies, the title included.
local function ragged(document)
  if not FORMAT:match("typst") then return nil end
  local title = pandoc.List({ pandoc.RawInline("typst", "#par(justify: false)[") })
  title:extend(document.meta.title)
  title:insert(pandoc.RawInline("typst", "]"))
  document.meta.title = pandoc.MetaInlines(title)
  document.blocks:insert(1, pandoc.RawBlock("typst", "#set par(justify: false)"))
  return document
end

return { { Meta = choose }, { Div = collect }, { Cite = resolve }, { Pandoc = ragged } }
