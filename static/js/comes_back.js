// On the page that says that the database is away: asks the server how it is, and loads the page again once it is well.

const EVERY_MS = 4000;

const look = async () => {
  const answer = await fetch(document.getElementById("comes-back").dataset.health).catch(() => null);
  if (answer?.ok) location.reload();
  else setTimeout(look, EVERY_MS);
};

setTimeout(look, EVERY_MS);
