// The weights as they are stored: whole numbers in one deflated block, two bytes for each entry of a bias and one for
// each entry of a matrix. An entry times its parameter's scale is the weight.
async function unpack(stored) {
  const bytes = Uint8Array.from(atob(stored.numbers), (letter) => letter.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const view = new DataView(await new Response(plain).arrayBuffer());
  let at = 0;
  const models = {};
  for (const [name, { source_words, target_words, tensors }] of Object.entries(stored.models)) {
    const model = { source_words, target_words };
    for (const [parameter, [scale, rows, columns]] of Object.entries(tensors)) {
      model[parameter] = Array.from({ length: rows }, () => {
        if (columns === undefined) return scale * view.getInt16((at += 2) - 2, true);
        return Float64Array.from({ length: columns }, () => scale * view.getInt8(at++));
      });
    }
    models[name] = model;
  }
  return models;
}
