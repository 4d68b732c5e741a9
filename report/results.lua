-- Shortcodes that bring in finished artefacts: {{< table nl.NAME >}}, {{< figure nl.NAME >}},
-- {{< pages nl.NAME >}} and {{< notice nl >}}, each in the language that it names. What was not
-- made says so.

local base = (os.getenv("QUARTO_PROJECT_DIR") or ".") .. "/_generated/"
local not_made = { nl = "niet gemeten", en = "not measured" }

local function read(path)
  local handle = io.open(path, "r")
  if not handle then return nil end
  local text = handle:read("a")
  handle:close()
  return text
end

-- A slip of the pen stops the rendering: a notice that stayed away would go unnoticed.
local function made_in(language)
  local listing = pandoc.json.decode(read(base .. "artefacts.json") or "{}")
  if not (listing.languages and listing.languages[language]) then
    error("_generated/artefacts.json has no language " .. language)
  end
  return listing.languages[language]
end

local function split(argument)
  local text = argument and pandoc.utils.stringify(argument) or ""
  local language, name = text:match("^(%a+)%.?(.*)$")
  if not not_made[language or ""] then error("shortcode without nl or en: '" .. text .. "'") end
  return language, name
end

local function not_measured(language)
  return pandoc.Para({ pandoc.Emph({ pandoc.Str(not_made[language]) }) })
end

-- Quarto finds figures and tables before it expands shortcodes: what a shortcode brings in says
-- itself that it is one.
local function float(div)
  local kind = ({ fig = "Figure", tbl = "Table" })[div.identifier:match("^(%a+)%-")]
  if not kind then return nil end
  local content = pandoc.Blocks(div.content)
  local caption = content:remove()
  local first = content[1].content and content[1].content[1]
  if kind == "Figure" and first and first.t == "Image" then content = first end
  return quarto.FloatRefTarget({
    attr = pandoc.Attr(div.identifier), type = kind, content = content,
    caption_long = pandoc.Plain(caption.content),
  })
end

return {
  ["table"] = function(args)
    local language, name = split(args[1])
    local text = read(base .. language .. "/tables/" .. name .. ".md")
    if not text then return not_measured(language) end
    return pandoc.read(text, "markdown").blocks
  end,
  ["figure"] = function(args)
    local language, name = split(args[1])
    local alt = made_in(language).figures[name]
    if not alt then return not_measured(language) end
    local kind = quarto.doc.is_format("docx") and ".png" or ".svg"
    local file = "_generated/" .. language .. "/figures/" .. name .. kind
    -- The alternative text is set here: a shortcode inside image attributes breaks the image.
    return pandoc.Para({ pandoc.Image(alt, file, "",
      pandoc.Attr("", {}, { { "fig-alt", alt }, { "alt", alt } })) })
  end,
  ["pages"] = function(args)
    local language, name = split(args[1])
    local text = read(base .. language .. "/pages/" .. name .. ".md")
    if not text then return not_measured(language) end
    local function described(image)
      local alt = pandoc.utils.stringify(image.caption)
      if quarto.doc.is_format("docx") then image.src = image.src:gsub("%.svg$", ".png") end
      image.attributes["fig-alt"], image.attributes.alt = alt, alt
      return image
    end
    -- The line break that keeps Pandoc from making a figure of an image alone has done its work.
    local function alone(paragraph)
      local first = paragraph.content[1]
      return first and first.t == "Image" and pandoc.Para({ first }) or nil
    end
    local pages = pandoc.Div(pandoc.read(text, "markdown").blocks)
    return pages:walk({ Para = alone }):walk({ Image = described }):walk({ Div = float }).content
  end,
  ["notice"] = function(args)
    local text = made_in((split(args[1]))).notice
    if text == "" then return {} end
    return pandoc.Div({ pandoc.Para({ pandoc.Strong({ pandoc.Str(text) }) }) },
      pandoc.Attr("", { "banner" }, { role = "note" }))
  end,
}
