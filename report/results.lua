-- Shortcodes that bring in finished artefacts: {{< table NAME >}}, {{< figure NAME >}},
-- {{< notice >}}. What was not made shows "niet gemeten".

local base = (os.getenv("QUARTO_PROJECT_DIR") or ".") .. "/_generated/"

local function read(path)
  local handle = io.open(path, "r")
  if not handle then return nil end
  local text = handle:read("a")
  handle:close()
  return text
end

local function listing()
  return pandoc.json.decode(read(base .. "artefacts.json") or '{"figures":{},"notice":""}')
end

local function not_measured()
  return pandoc.Para({ pandoc.Emph({ pandoc.Str("niet gemeten") }) })
end

return {
  ["table"] = function(args)
    local text = read(base .. "tables/" .. pandoc.utils.stringify(args[1]) .. ".md")
    if not text then return not_measured() end
    return pandoc.read(text, "markdown").blocks
  end,
  ["figure"] = function(args)
    local name = pandoc.utils.stringify(args[1])
    local alt = listing().figures[name]
    if not alt then return not_measured() end
    local kind = quarto.doc.is_format("docx") and ".png" or ".svg"
    -- The alternative text is set here: a shortcode inside image attributes breaks the image.
    return pandoc.Para({ pandoc.Image(alt, "_generated/figures/" .. name .. kind, "",
      pandoc.Attr("", {}, { ["fig-alt"] = alt, alt = alt })) })
  end,
  ["notice"] = function()
    local text = listing().notice
    if text == "" then return {} end
    return pandoc.Div({ pandoc.Para({ pandoc.Strong({ pandoc.Str(text) }) }) },
      pandoc.Attr("", { "banner" }, { role = "note" }))
  end,
}
