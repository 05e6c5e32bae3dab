"""The opponent's classifier: a forest trained here, on vectors and labels read through the API, and written back."""

import json
from io import BytesIO
from time import perf_counter

import httpx
import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier

TREES, COMPONENTS = 300, 50
PIECE = 50_000


class Forest:
    """A manager's program at one project. `how` names its free settings, such as "pca50 leaf5 balanced".

    What is validated in a `reference` project teaches too, from the beginning.
    """

    def __init__(self, url: str, token: str, project_id: int, seed: int, reference: int | None = None) -> None:
        self.http = httpx.Client(base_url=f"{url}/api/v1/projects", timeout=900)
        self.http.headers["authorization"] = f"Bearer {token}"
        self.project_id, self.seed = project_id, seed
        self.ids, self.vectors = self.read_vectors(project_id)
        self.taught = np.empty(0, np.int64), np.empty((0, self.vectors.shape[1]), np.float32)
        if reference is not None:
            self.taught = self._read_taught(reference)
        self.n_runs = 0

    def _read_taught(self, reference: int) -> tuple[np.ndarray, np.ndarray]:
        """Taxa [m] and vectors [m, d] of what is validated there."""
        labels, (ids, vectors) = self.labels(reference), self.read_vectors(reference)
        known = np.isin(ids, np.array(list(labels), np.int64))
        return np.array([labels[object_id] for object_id in ids[known].tolist()], np.int64), vectors[known]

    def read_vectors(self, project_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids [n] and float32 vectors [n, d] of all objects, by id."""
        pages, after = [], "0"
        while after:
            wish = {"after": after, "limit": 20_000}
            answer = self.http.get(f"/{project_id}/vectors", params=wish).raise_for_status()
            pages.append(np.load(BytesIO(answer.content)))
            after = answer.headers.get("Shoal-Next", "")
        together = np.concatenate(pages)
        return together["id"], together["v"].astype(np.float32)

    def labels(self, project_id: int) -> dict[int, int]:
        """Validated taxa by object."""
        wish = {"filter": {"status": ["V"]}}
        with self.http.stream("POST", f"/{project_id}/objects/query", json=wish) as lines:
            rows = [json.loads(line) for line in lines.iter_lines() if line]
        return {row["id"]: row["taxon_id"] for row in rows}

    def train(self, how: str) -> float:
        """Fit on what is validated, predict the rest, show it; returns the seconds that all of it took."""
        began = perf_counter()
        labels = self.labels(self.project_id)
        known = np.isin(self.ids, np.array(list(labels), np.int64))
        own = np.array([labels[object_id] for object_id in self.ids[known].tolist()], np.int64)
        taxa = np.concatenate([own, self.taught[0]])
        if known.all() or not len(taxa):
            return perf_counter() - began
        features = np.concatenate([self.vectors, self.taught[1]])
        if "pca50" in how:
            features = PCA(COMPONENTS, random_state=self.seed).fit_transform(features)
        mine, others = features[: len(self.ids)], features[len(self.ids) :]
        model = RandomForestClassifier(
            TREES,
            min_samples_leaf=5 if "leaf5" in how else 1,
            class_weight="balanced" if "balanced" in how else None,
            random_state=self.seed,
            n_jobs=2,
        ).fit(np.concatenate([mine[known], others]), taxa)
        self.write(self.ids[~known], model.classes_, model.predict_proba(mine[~known]))
        return perf_counter() - began

    def write(self, ids: np.ndarray, classes: np.ndarray, chances: np.ndarray) -> None:
        """The first three choices of each, as a run of their own."""
        best = np.argsort(-chances, axis=1, kind="stable")[:, :3]
        scores = np.take_along_axis(chances, best, axis=1).round(6)
        self.n_runs += 1
        run: dict[str, object] = {"title": f"Forest {self.n_runs}"}
        for first in range(0, len(ids), PIECE):
            part = slice(first, first + PIECE)
            body = run | {
                "objects": ids[part].tolist(),
                "taxa": classes[best[part]].tolist(),
                "scores": scores[part].tolist(),
                "complete": first + PIECE >= len(ids),
            }
            answer = self.http.post(f"/{self.project_id}/predictions", json=body).raise_for_status().json()
            run = {"run_id": answer["run"]["id"]}

    def agreement(self, classes: dict[int, str]) -> float:
        """Share of objects whose nearest other one is of their class."""
        names = np.array([classes[object_id] for object_id in self.ids.tolist()])
        right = 0
        for first in range(0, len(names), 1000):
            likeness = self.vectors[first : first + 1000] @ self.vectors.T
            likeness[np.arange(len(likeness)), np.arange(first, first + len(likeness))] = -2
            right += int((names[likeness.argmax(axis=1)] == names[first : first + 1000]).sum())
        return right / len(names)
