-- Numbers figures and tables (divs #fig-… and #tbl-…, the caption last) and resolves @fig-…
-- and @tbl-…, as Quarto does.
local words = {
  nl = { fig = "Figuur", tbl = "Tabel" },
  en = { fig = "Figure", tbl = "Table" },
}
local names = words.nl
local count, label = { fig = 0, tbl = 0 }, {}
local docx, typst = FORMAT:match("docx") ~= nil, FORMAT:match("typst") ~= nil

-- A table with more rows may run on over the page; a shorter one stays whole.
local LONG = 25

local function kind_of(id)
  local kind = id:match("^(%a+)%-")
  return names[kind] and kind or nil
end

local function quoted(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("%s+", " ") .. '"'
end

local function raw(text) return pandoc.RawBlock("typst", text) end

-- Pandoc leaves the alternative text of an image out of typst.
local function described(image)
  return pandoc.RawInline("typst", ("#image(%s, alt: %s)"):format(
    quoted(image.src), quoted(pandoc.utils.stringify(image.caption))))
end

local function formula(math)
  local written = pandoc.write(pandoc.Pandoc({ pandoc.Plain({ math }) }), "typst")
  return pandoc.RawInline("typst", ("#[#set math.equation(alt: %s)\n%s]"):format(
    quoted(math.text), written:gsub("%s+$", "")))
end

-- The line break after an image only keeps Pandoc from making a figure of its own.
local function without_breaks(blocks)
  return pandoc.Div(blocks):walk({ LineBreak = function() return {} end }).content
end

local function typst_figure(div, blocks, caption)
  local content = without_breaks(blocks)
  content:insert(1, raw("])["))
  content:insert(1, pandoc.Plain(caption))
  content:insert(1, raw("#figure(kind: image, caption: ["))
  content:insert(raw("]"))
  return pandoc.Div(content, pandoc.Attr(div.identifier))
end

-- A figure in docx would be set in a table, which is read out as one.
local function docx_figure(div, blocks, caption)
  local function styled(content, style)
    return pandoc.Div(content, pandoc.Attr("", {}, { ["custom-style"] = style }))
  end
  return pandoc.Div({
    styled(without_breaks(blocks), "Captioned Figure"),
    styled({ pandoc.Para(caption) }, "Image Caption"),
  }, pandoc.Attr(div.identifier))
end

local function figure(div, blocks, caption)
  if typst then return typst_figure(div, blocks, caption) end
  if docx then return docx_figure(div, blocks, caption) end
  local native = { long = { pandoc.Plain(caption) } }
  return pandoc.Figure(without_breaks(blocks), native, pandoc.Attr(div.identifier))
end

local function rows_of(table)
  local rows = 0
  for _, body in ipairs(table.bodies) do rows = rows + #body.body end
  return rows
end

local function captioned_table(div, blocks, caption)
  local long, done = false, false
  blocks = blocks:map(function(block)
    if block.t == "Table" and not done then
      -- In html the caption is a box of its own, to stay in sight when the table scrolls.
      local content = FORMAT:match("html") and { pandoc.Span(caption) } or caption
      block.caption = { long = { pandoc.Plain(content) } }
      long, done = rows_of(block) > LONG, true
    end
    return block
  end)
  if not done then blocks:insert(pandoc.Para(caption)) end
  if typst and not long then
    blocks:insert(1, raw("#block(breakable: false)["))
    blocks:insert(raw("]"))
  end
  return pandoc.Div(blocks, pandoc.Attr(div.identifier, { "float" }))
end

local function collect(div)
  local kind = kind_of(div.identifier)
  if not kind then return nil end
  count[kind] = count[kind] + 1
  label[div.identifier] = names[kind] .. " " .. count[kind]
  local blocks = pandoc.List(div.content)
  local caption = pandoc.List({ pandoc.Strong({ pandoc.Str(label[div.identifier] .. ":") }),
    pandoc.Space() })
  caption:extend(blocks:remove().content)
  return (kind == "fig" and figure or captioned_table)(div, blocks, caption)
end

local function resolve(cite)
  local id = cite.citations[1].id
  if not kind_of(id) then return nil end
  if not label[id] then error("dangling reference @" .. id) end
  return pandoc.Link(label[id], "#" .. id)
end

local function choose(meta)
  names = words[pandoc.utils.stringify(meta.lang or "nl")] or names
end

-- Ragged right reads easier; Pandoc's typst template justifies, the title included. The captions
-- have their numbers already.
local function typst_document(document)
  local title = pandoc.List({ pandoc.RawInline("typst", "#par(justify: false)[") })
  title:extend(document.meta.title)
  title:insert(pandoc.RawInline("typst", "]"))
  document.meta.title = pandoc.MetaInlines(title)
  document.blocks:insert(1, raw("#set par(justify: false)"))
  document.blocks:insert(1, raw("#set figure(numbering: none, supplement: none)"))
  return document
end

-- In html the notice comes before all else on the page, where the template puts it.
local function banner_first(document)
  document.blocks = document.blocks:walk({
    Div = function(div)
      if not div.classes:includes("banner") then return nil end
      document.meta.banner = pandoc.MetaBlocks(div.content)
      return {}
    end,
  })
  return document
end

local function finish(document)
  if typst then return typst_document(document) end
  if FORMAT:match("html") then return banner_first(document) end
end

return {
  { Meta = choose },
  { Div = collect },
  { Cite = resolve },
  { Image = typst and described or nil, Math = typst and formula or nil },
  { Pandoc = finish },
}
