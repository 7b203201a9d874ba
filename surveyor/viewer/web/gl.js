// Points and lines in plain WebGL2, drawn when something changed; Z is up.
const POINT = `#version 300 es
in vec3 p; uniform mat4 m; uniform float size; uniform float mid; out vec3 c;
void main() { gl_Position = m * vec4(p, 1.0); gl_PointSize = clamp(size / gl_Position.w, 1.0, 5.0);
  float t = clamp((p.z - mid) * 0.5 + 0.5, 0.0, 1.0); c = mix(vec3(0.18, 0.32, 0.55), vec3(0.95, 0.72, 0.42), t); }`;
const LINE = `#version 300 es
in vec3 p; in vec3 colour; uniform mat4 m; out vec3 c;
void main() { gl_Position = m * vec4(p, 1.0); c = colour; }`;
const PAINT = `#version 300 es
precision mediump float; in vec3 c; out vec4 o; void main() { o = vec4(c, 1.0); }`;

export class Drawing {
  static on(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
    return gl ? new Drawing(canvas, gl) : null;
  }

  constructor(canvas, gl) {
    Object.assign(this, { canvas, gl, made: {}, count: 0, last: null });
    canvas.addEventListener("webglcontextlost", (e) => e.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => { this.start(); for (const [name, made] of Object.entries(this.made)) this.upload(name, made.data, made.stride); if (this.last) this.draw(...this.last); });
    this.start();
  }

  start() {
    const gl = this.gl;
    this.dots = program(gl, POINT, PAINT, ["p"]);
    this.strokes = program(gl, LINE, PAINT, ["p", "colour"]);
    gl.enable(gl.DEPTH_TEST);
  }

  points(data, mid) { this.mid = mid; this.upload("cloud", data, 3); }
  lines(name, numbers) { this.upload(name, new Float32Array(numbers), 6); }

  upload(name, data, stride) {
    const gl = this.gl, array = gl.createVertexArray(), buffer = gl.createBuffer();
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    for (let k = 0; k < stride / 3; k++) { gl.enableVertexAttribArray(k); gl.vertexAttribPointer(k, 3, gl.FLOAT, false, stride * 4, k * 12); }
    this.made[name] = { array, data, stride, count: data.length / stride };
  }

  draw(view, layers) {
    this.last = [view, layers];
    const gl = this.gl, canvas = this.canvas, ratio = Math.min(2, devicePixelRatio || 1);
    const [w, t] = [Math.max(1, Math.round(canvas.clientWidth * ratio)), Math.max(1, Math.round(canvas.clientHeight * ratio))];
    if (canvas.width !== w || canvas.height !== t) { canvas.width = w; canvas.height = t; }
    gl.viewport(0, 0, w, t);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    gl.clearColor(...(dark ? [0.08, 0.09, 0.11] : [0.96, 0.96, 0.94]), 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const m = matrix(view, w / t);
    for (const [name, made] of Object.entries(this.made)) {
      if (!layers[name] || !made.count) continue;
      const used = name === "cloud" ? this.dots : this.strokes;
      gl.useProgram(used);
      gl.uniformMatrix4fv(gl.getUniformLocation(used, "m"), false, m);
      if (name === "cloud") { gl.uniform1f(gl.getUniformLocation(used, "size"), t / 140); gl.uniform1f(gl.getUniformLocation(used, "mid"), this.mid); }
      gl.bindVertexArray(made.array);
      gl.drawArrays(name === "cloud" ? gl.POINTS : gl.LINES, 0, made.count);
    }
  }

  end() { this.gl.getExtension("WEBGL_lose_context")?.loseContext(); this.made = {}; }
}

function program(gl, vertex, fragment, names) {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  names.forEach((name, k) => gl.bindAttribLocation(made, k, name));
  gl.linkProgram(made);
  return made;
}

// From the world to the screen: orbit about a point, 45 degrees high. Exported for tests.
export function matrix(view, aspect) {
  const { turn, tilt, far, at } = view;
  const back = [Math.cos(turn) * Math.cos(tilt), Math.sin(turn) * Math.cos(tilt), Math.sin(tilt)];
  const right = [-Math.sin(turn), Math.cos(turn), 0];
  const up = [back[1] * right[2] - back[2] * right[1], back[2] * right[0] - back[0] * right[2], back[0] * right[1] - back[1] * right[0]];
  const eye = at.map((v, k) => v + back[k] * far);
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const f = 1 / Math.tan(Math.PI / 8), near = 0.05, end = 200;
  const z = (end + near) / (near - end), z2 = (2 * end * near) / (near - end);
  const rows = [[...right, -dot(right, eye)].map((v) => (v * f) / aspect), [...up, -dot(up, eye)].map((v) => v * f)];
  const depth = [...back, -dot(back, eye)];
  const out = new Float32Array(16);
  for (let k = 0; k < 4; k++) { out[4 * k] = rows[0][k]; out[4 * k + 1] = rows[1][k]; out[4 * k + 2] = z * depth[k] + (k === 3 ? z2 : 0); out[4 * k + 3] = -depth[k]; }
  return out;
}
