/* Draws the figures, sorts tables, filters the error browser. Text from data is set as text, never as markup. */
(function () {
  'use strict';
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  var SWAP = {
    '#1c2126': '#e6e9ec', '#5a646e': '#a1abb5', '#dfe3e7': '#333a41', '#8a949e': '#8a949e', '#ffffff': '#14171a',
    '#0072b2': '#56b4e9', '#d55e00': '#ff9a4d', '#009e73': '#35c79c', '#cc79a7': '#dd9cc1', '#c8ced4': '#4a525a'
  };
  var CONFIG = {
    responsive: true, displayModeBar: false, scrollZoom: false, doubleClick: false, showTips: false
  };

  function themed(value, colour) {
    if (typeof value === 'string') { return colour && SWAP[value] || value; }
    if (Array.isArray(value)) { return value.map(function (each) { return themed(each, colour); }); }
    if (value && typeof value === 'object') {
      var found = {};
      Object.keys(value).forEach(function (key) { found[key] = themed(value[key], colour || /color/i.test(key)); });
      return found;
    }
    return value;
  }

  function narrow(layout) {
    layout.margin = Object.assign({}, layout.margin, {l: 44, r: 8});
    if (layout.meta && layout.meta.rows === 'forest') { // names above their marks leave the width to the intervals
      layout.yaxis.ticklabelposition = 'inside top';
      layout.yaxis.ticklabelshift = 5;
      layout.margin.l = 8;
      layout.height = Math.round(layout.height * 1.35);
    }
  }

  function draw(figure, light) {
    var specs = figure.querySelectorAll('script.spec'), list = figure.querySelector('select.choice');
    var spec = JSON.parse(specs[list ? Number(list.value) : 0].textContent);
    if (dark.matches && !light) { spec = themed(spec, false); }
    var box = figure.querySelector('.plot');
    if (light) { spec.layout.width = 660; }
    if (box.clientWidth < 500) { narrow(spec.layout); }
    box.style.minHeight = '';
    return Plotly.react(box, spec.data, spec.layout, CONFIG);
  }

  var figures = Array.prototype.slice.call(document.querySelectorAll('figure.figure'));
  function all(light) { figures.forEach(function (figure) { draw(figure, light); }); }
  figures.forEach(function (figure) {
    var list = figure.querySelector('select.choice');
    if (list) { list.addEventListener('change', function () { draw(figure, false); }); }
  });
  all(false);
  dark.addEventListener('change', function () { all(false); });
  window.addEventListener('beforeprint', function () { all(true); });
  window.addEventListener('afterprint', function () { all(false); });

  function sorted(head) {
    var table = head.closest('table'), body = table.tBodies[0], at = head.cellIndex;
    var up = head.getAttribute('aria-sort') === 'descending' || !head.hasAttribute('aria-sort') && !head.classList.contains('right');
    table.querySelectorAll('th').forEach(function (each) { each.removeAttribute('aria-sort'); });
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    function key(row) {
      var cell = row.cells[at], raw = cell.getAttribute('data-value');
      return raw === null ? cell.textContent.toLowerCase() : raw === '' ? null : Number(raw);
    }
    var rows = Array.prototype.slice.call(body.rows).map(function (row, place) { return [key(row), place, row]; });
    rows.sort(function (a, b) {
      if (a[0] === null || b[0] === null) { return (a[0] === null) - (b[0] === null) || a[1] - b[1]; }
      var order = a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
      return (up ? order : -order) || a[1] - b[1];
    });
    rows.forEach(function (each) { body.appendChild(each[2]); });
  }
  document.querySelectorAll('th button').forEach(function (button) {
    button.addEventListener('click', function () { sorted(button.parentNode); });
  });

  function made(tag, name, text) {
    var element = document.createElement(tag);
    if (name) { element.className = name; }
    if (text !== undefined) { element.textContent = text; }
    return element;
  }

  function browse(box) {
    var rows = JSON.parse(box.querySelector('script.rows').textContent), step = 8, most = step;
    var list = box.querySelector('.cases'), count = box.querySelector('.count'), more = box.querySelector('.more');
    function chosen(name) { var field = box.querySelector('[name=' + name + ']'); return field ? field.value : ''; }
    function fits(row) {
      var data = chosen('dataset'), right = chosen('right'), wrong = chosen('wrong'), words = chosen('words').toLowerCase();
      return (!data || row.dataset === data) && (!right || row.right[right] === true) &&
        (!wrong || row.right[wrong] === false) && (!words || row.all.indexOf(words) >= 0);
    }
    function card(row) {
      var box = made('div', 'case'), said = made('div', 'said');
      box.appendChild(made('p', 'small', row.dataset + ' · ' + row.id + (row.group ? ' · group ' + row.group : '')));
      box.appendChild(made('div', 'text', row.text));
      if (row.reference !== null) {
        var truth = made('div', '', row.reference);
        truth.insertBefore(made('span', '', 'truth'), truth.firstChild);
        said.appendChild(truth);
      }
      Object.keys(row.outputs).forEach(function (model) {
        var right = row.right[model], state = right === true ? 'right' : right === false ? 'wrong' : '';
        var answer = row.outputs[model], one = made('div', state, answer === null ? '(no answer)' : answer);
        one.insertBefore(made('span', '', (right === true ? '✓ ' : right === false ? '✕ ' : '') + model), one.firstChild);
        said.appendChild(one);
      });
      box.appendChild(said);
      return box;
    }
    function show() {
      var found = rows.filter(fits);
      list.textContent = '';
      found.slice(0, most).forEach(function (row) { list.appendChild(card(row)); });
      count.textContent = found.length.toLocaleString('en') + ' of ' + rows.length.toLocaleString('en') + ' rows';
      more.hidden = found.length <= most;
      if (!found.length) { list.appendChild(made('p', 'empty', 'No row fits. Loosen a filter.')); }
    }
    rows.forEach(function (row) {
      row.all = [row.text, row.id, row.reference].concat(Object.values(row.outputs)).join('\n').toLowerCase();
    });
    box.querySelectorAll('select, input').forEach(function (field) {
      field.addEventListener('input', function () { most = step; show(); });
    });
    more.addEventListener('click', function () { most += step; show(); });
    show();
  }
  document.querySelectorAll('.browser').forEach(browse);
}());
