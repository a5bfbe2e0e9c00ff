// Finds the number behind a hash, so that signing up costs a machine something and a person nothing.
// Without it the form works all the same.
"use strict";

(() => {
  const field = document.querySelector("input[data-puzzle]");
  if (!field || !window.crypto || !window.crypto.subtle) {
    return;
  }
  const form = field.form;
  const status = form.querySelector("[data-busy]");
  const PATIENCE = 20000;
  const TOGETHER = 500;
  const letters = new TextEncoder();

  const hex = (digest) =>
    Array.from(new Uint8Array(digest), (octet) => octet.toString(16).padStart(2, "0")).join("");

  const tried = async (puzzle, number) =>
    hex(await crypto.subtle.digest("SHA-256", letters.encode(puzzle.salt + number)));

  const found = async (puzzle) => {
    for (let first = 0; first <= puzzle.maxnumber; first += TOGETHER) {
      const hashes = await Promise.all(
        Array.from({ length: TOGETHER }, (_, step) => tried(puzzle, first + step)),
      );
      const step = hashes.indexOf(puzzle.challenge);
      if (step >= 0) {
        return first + step;
      }
    }
    throw new Error("no number fits");
  };

  const solve = async () => {
    const answer = await fetch(field.dataset.puzzle, { credentials: "omit", cache: "no-store" });
    const puzzle = await answer.json();
    const { algorithm, challenge, salt, signature } = puzzle;
    const number = await found(puzzle);
    field.value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
  };

  const waited = () => new Promise((resolve) => setTimeout(resolve, PATIENCE));
  let solving = null;
  const begin = () => {
    solving = solving || solve().catch(() => undefined);
    return solving;
  };

  form.addEventListener("focusin", begin);
  form.addEventListener("submit", (event) => {
    if (field.value) {
      return;
    }
    event.preventDefault();
    status.textContent = status.dataset.busy;
    Promise.race([begin(), waited()]).then(() => form.submit());
  });
  // Who comes back by the browser's own button needs a fresh puzzle: each counts once.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      field.value = "";
      solving = null;
      status.textContent = "";
    }
  });
})();
