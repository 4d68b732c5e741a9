-- For readers who hear or enlarge the page: in html the cells that head a column or a row say so,
-- a table wider than the page scrolls in a region that the keyboard reaches, and the page starts
-- with a link to its text. In docx the text of tables gets a style of its own.

local html, docx = FORMAT:match("html") ~= nil, FORMAT:match("docx") ~= nil

-- A row of which the first cell is empty goes on with what stands above it.
local function has_row_heads(body)
  for _, row in ipairs(body.body) do
    if #row.cells < 2 or #row.cells[1].contents == 0 then return false end
  end
  return true
end

local function name_heads(table)
  for _, row in ipairs(table.head.rows) do
    for _, cell in ipairs(row.cells) do cell.attr.attributes.scope = "col" end
  end
  for _, body in ipairs(table.bodies) do
    if has_row_heads(body) then
      body.row_head_columns = 1
      for _, row in ipairs(body.body) do row.cells[1].attr.attributes.scope = "row" end
    end
  end
  return table
end

local function own_style(table)
  local function styled(block)
    return pandoc.Div({ pandoc.Para(block.content) },
      pandoc.Attr("", {}, { ["custom-style"] = "Table Text" }))
  end
  return table:walk({ Plain = styled, Para = styled })
end

-- Quarto's floating tables, which have their caption outside the table.
local function name_by_caption(float)
  local label = pandoc.utils.stringify(float.caption_long or "")
  float.content = pandoc.Div({ float.content }):walk({
    Table = function(table)
      table.attr.attributes["aria-label"] = label
      return table
    end,
  })
  return float
end

local function mark(table)
  if docx then return own_style(table) end
  if not html then return nil end
  local label = table.attr.attributes["aria-label"] or pandoc.utils.stringify(table.caption.long)
  -- A list of pairs keeps its order, so that the same report is the same file.
  return pandoc.Div({ name_heads(table) }, pandoc.Attr("", { "table-scroll" },
    { { "tabindex", "0" }, { "role", "region" }, { "aria-label", label } }))
end

-- Pandoc's page has the link in its template. Quarto has no place before its contents, so there a
-- script moves the link to the start of the page.
local function skip_link(meta)
  if not (html and quarto and meta.skip) then return nil end
  quarto.doc.include_text("before-body", '<a class="skip-link" href="#quarto-document-content">'
    .. pandoc.utils.stringify(meta.skip) .. "</a>")
  quarto.doc.include_text("after-body",
    '<script>document.body.prepend(document.querySelector(".skip-link"))</script>')
end

return {
  { FloatRefTarget = html and name_by_caption or nil },
  { Table = mark },
  { Meta = skip_link },
}
