"use strict";
// The arithmetic of the page, without the page: exact integers below 2 ** 53.

/** What a table has for an alpha and a resolution; one row stands for all alphas, one column for all resolutions. */
function cell(table, alpha, resolution) {
  const row = table[table.length > 1 ? alpha : 0];
  return row[row.length > 1 ? resolution : 0];
}

/** The network at the place of an alpha and of a resolution in `tables`, with so many classes. */
function networkCost(tables, alpha, resolution, classes) {
  const stages = tables.stages.map(() => 0);
  for (const [stage, basis, fixed, eachClass] of tables.costs) {
    stages[stage] += (fixed[alpha] + eachClass[alpha] * classes) * tables.basis[basis][resolution];
  }
  const logits = tables.logits.map(
    ([stays, eachClass]) => cell(stays, alpha, resolution) + cell(eachClass, alpha, resolution) * classes,
  );
  return {
    stages,
    multiplyAdds: stages.reduce((sum, stage) => sum + stage, 0),
    parameters: cell(tables.parameters, alpha, resolution) + tables.parameters_each_class[alpha] * classes,
    peakMemory: Math.max(cell(tables.peak_memory, alpha, resolution), ...logits),
  };
}

/** A convolution of K x K from M to N channels on a square map, and the separable one in its place. */
function layerCost({ kernel, input, output, size, stride, groups }) {
  if (input % groups || output % groups) {
    return { error: `${groups} groups do not divide ${input} and ${output} channels` };
  }
  const side = Math.ceil(size / stride); // padding "same"
  const positions = side * side;
  const weights = kernel * kernel * (input / groups) * output;
  const depthwise = kernel * kernel * input;
  return {
    side,
    weights,
    multiplyAdds: positions * weights,
    separableWeights: depthwise + input * output,
    separable: positions * (depthwise + input * output),
    ratio: (depthwise + input * output) / (kernel * kernel * input * output),
  };
}
