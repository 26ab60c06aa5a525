// Read only by browsers that do not know modules, so it is written as they understand it.
var fault = document.getElementById('fault')
if (fault) {
  document.getElementById('unstarted').hidden = true
  fault.hidden = false
  fault.textContent = 'This browser is too old for p2p-probe: it needs JavaScript modules and WebAssembly, as current Chromium, Firefox and Safari have them.'
}
