// Painting and erasing: what a round brush does to the masks of regions, from pressing to letting go.

class Strokes {
  startStroke(point, erases) {
    const {drawing, editor, view} = this, chosen = drawing.chosen;
    const parts = [];
    if (erases) {
      drawing.regions.forEach((region, index) => {
        // Whoever has chosen a region means that one; otherwise whatever was painted.
        if (chosen ? region === chosen : region.form.shape === "mask")
          parts.push({index, mask: asMask(region.form, view.width, view.height) ?? emptyMask(), touched: false});
      });
    } else if (chosen && chosen.form.shape === "mask" && chosen.type === editor.type)
      parts.push({index: drawing.selected, mask: asMask(chosen.form), touched: true});
    else parts.push({index: -1, mask: emptyMask(), touched: true});
    this.operation = {kind: "stroke", erases, parts, last: point, radius: editor.brush / 2};
    this.stroke(this.operation, point, point);
    editor.redraw();
  }

  stroke(operation, from, to) {
    const {width, height} = this.view, {radius, erases} = operation;
    for (const part of operation.parts) {
      const {mask} = part;
      part.touched ||= Math.min(from[0], to[0]) - radius < mask.x + mask.width
        && Math.max(from[0], to[0]) + radius > mask.x
        && Math.min(from[1], to[1]) - radius < mask.y + mask.height && Math.max(from[1], to[1]) + radius > mask.y;
      part.mask = brushed(mask, from, to, radius, erases, width, height);
    }
  }

  endStroke(operation) {
    const {drawing, editor} = this;
    if (!operation.erases) {
      const [{index, mask}] = operation.parts, form = trimmed(mask);
      if (form && index < 0) drawing.add(form, editor.type);
      else if (form) drawing.replace(index, form);
      return;
    }
    const regions = drawing.regions.slice();
    let changed = false;
    for (const {index, mask, touched} of operation.parts) {
      if (!touched) continue;
      const before = asMask(regions[index].form, this.view.width, this.view.height), form = trimmed(mask);
      if (form && before && areaOf(form) === areaOf(before)) continue;
      changed = true;
      regions[index] = form ? {...regions[index], form} : null;
    }
    if (!changed) return;
    const chosen = regions[drawing.selected];
    const left = regions.filter(Boolean);
    drawing.commit(left, chosen ? left.indexOf(chosen) : -1);
  }
}
