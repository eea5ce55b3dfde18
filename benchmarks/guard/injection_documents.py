"""What stands in documents and comes back from tools, as rows: calm texts, and the same with an instruction planted."""

import yaml
from injection_rows import HERE, LANGUAGES, OWN, Row, language, leaves, part, read_csv, read_json, read_lines


class Documents:
    """Adds the documents; the folder, `add` and `split` are those of `injection_data.Rows`."""

    def passages(self):
        """Read documents, letters, tables and answers that ask nothing of the model."""
        at = self.folder
        emails = [row["context"] for row in read_lines(at / "bipia/benchmark__email__train.jsonl")]
        tables = [row["context"] for row in read_lines(at / "bipia/benchmark__table__train.jsonl")[:160]]
        code = ["\n".join(leaves(row["context"])) for row in read_lines(at / "bipia/benchmark__code__train.jsonl")]
        self.documents(emails + tables + code, "bipia")
        suites = at / "agentdojo/agentdojo/data/suites"
        names = (
            "workspace/include/inbox",
            "workspace/include/cloud_drive",
            "workspace/include/calendar",
            "travel/environment",
            "slack/environment",
            "banking/environment",
        )
        found = [
            text
            for name in names
            for text in leaves(yaml.safe_load((suites / f"{name}.yaml").read_text(encoding="utf-8")))
        ]
        self.documents([text for text in found if len(text) > 60], "agentdojo")
        tickets = read_json(at / "inspect-evals-offline/gdm_stealth/tickets.json")
        self.documents([row["description"] for row in tickets], "tickets")
        rows = read_lines(at / "halueval/data__general_data.json")
        self.documents([row["chatgpt_response"] for row in rows][:800], "halueval-answers")
        self.documents(
            [row["standard_answer"] for row in read_lines(at / "chinese-safetyqa/chinese_safetyqa.jsonl")][:500],
            "safetyqa-answers",
        )
        answers = [row.get("Best Answer1") or "" for row in read_json(at / "halluqa-zh/HalluQA.json")]
        self.documents([each for each in answers if len(each) > 20], "halluqa-answers")
        self.documents(
            [row["Rule"] for row in read_csv(at / "jade-db/jade-rag-v1.0__data__jade_rag_v1_1k_zh.csv")][:500],
            "jade-rag",
        )
        self.documents(
            [
                file.read_text(encoding="utf-8")[:1500]
                for file in sorted((at / "agent-safety-bench-envs").glob("*.json"))[:400:2]
            ],
            "tool-schemas",
        )

    def pages(self):
        """Read pages of our own documentation as of 2026-11-22: manuals full of instructions to people."""
        for page in read_json(HERE / "data/injection_pages.json"):
            self.add(page["pieces"], "pages", label=0, role="document")
            self.calm[page["language"]] += page["pieces"]

    def documents(self, texts, source):
        """Add documents, and keep the training half as places to plant in."""
        self.split(texts, source, label=0, role="document")
        for each in texts[::2]:
            self.calm[language(each)].append(each)

    def own_documents(self):
        """Put our own calm sentences together, and into the same carriers that attacks use."""
        own, chance = OWN["indirect"], self.chance
        for tongue in LANGUAGES:
            sentences = own["calm"][tongue]
            for where, share in (("train", 900), ("dev", 150)):
                mine = [each for each in sentences if part(each) == where]
                for _ in range(share):
                    some = chance.sample(mine, min(len(mine), chance.randint(1, 6)))
                    self.add(
                        [chance.choice(["\n", " ", "\n\n"]).join(some)],
                        "own-calm",
                        label=0,
                        role="document",
                        where=where,
                    )
                    a, b = self.context(tongue), self.context(tongue)
                    carrier = chance.choice(own["carriers"])
                    text = carrier.replace("{{", "{").replace("}}", "}")
                    text = text.replace("{x}", chance.choice(mine)).replace("{a}", a).replace("{b}", b)
                    self.add([text], "own-calm", label=0, role="document", where=where)

    def context(self, tongue):
        """Give a piece of a calm text: whole, or its beginning."""
        text = self.chance.choice(self.calm[tongue])
        return text if self.chance.random() < 0.5 else text[: self.chance.choice([60, 150, 300])]

    def plant(self, instruction, source, where, tongue, calm=None):
        """Put an instruction into a calm document."""
        chance = self.chance
        carrier = chance.choice(OWN["indirect"]["carriers"]).replace("{{", "{").replace("}}", "}")
        a, b = (chance.choice(calm), chance.choice(calm)) if calm else (self.context(tongue), self.context(tongue))
        before, after = carrier.split("{x}")
        before, after = (each.replace("{a}", a).replace("{b}", b) for each in (before, after))
        lead = len(before) - len(before.lstrip())
        text = (before + instruction + after).rstrip()
        self.rows.append(
            Row(
                text.lstrip(), 1, source, "document", where, (len(before) - lead, len(before) - lead + len(instruction))
            )
        )

    def planted(self):
        """Plant orders, unrelated tasks and the attacks of other sets."""
        own, chance, at = OWN["indirect"], self.chance, self.folder
        for tongue in LANGUAGES:
            for frame in own["orders"][tongue]:
                for _ in range(10):
                    act = chance.choice(own["acts"][tongue])
                    self.plant(frame.replace("{act}", act), "own-orders", part(frame), tongue)
            for task in own["tasks"][tongue]:
                for _ in range(8):
                    self.plant(task, "own-tasks", part(task), tongue)
            direct = [
                frame
                for kind in ("override", "delimiters", "extraction", "coercion")
                for frame in OWN["direct"]["attacks"][tongue][kind]
            ]
            for frame in direct:
                for _ in range(2):
                    text = frame.replace("{goal}", chance.choice(OWN["direct"]["goals"][tongue])).replace("{q}", "")
                    self.plant(text.strip(), "own-direct", part(frame), tongue)
            asked = [each for each in self.questions[tongue] if 12 < len(each) < 160 and part(each) == "train"]
            for each in chance.sample(asked, 500):
                self.plant(each, "asked", "train", tongue)
        self.coherent()
        emails = [row["context"] for row in read_lines(at / "bipia/benchmark__email__train.jsonl")]
        code = ["\n".join(leaves(row["context"])) for row in read_lines(at / "bipia/benchmark__code__train.jsonl")]
        for kind, calm in (("text", emails), ("code", code)):
            for attack in leaves(read_json(at / f"bipia/benchmark__{kind}_attack_train.json")):
                for _ in range(5):
                    self.plant(attack, f"bipia-{kind}", part(attack), "en", calm[::2])
        self.inspect()

    def coherent(self):
        """Read questions with their own answers: what is asked of the reader there belongs to the text."""
        at = self.folder
        pairs = [
            (row["user_query"], row["chatgpt_response"])
            for row in read_lines(at / "halueval/data__general_data.json")[:1600:2]
        ]
        pairs += [
            (row["question"], row["standard_answer"])
            for row in read_lines(at / "chinese-safetyqa/chinese_safetyqa.jsonl")[:500]
        ]
        pairs += [
            (row["Question"], row.get("Best Answer1") or "") for row in read_json(at / "halluqa-zh/HalluQA.json")[:220]
        ]
        self.add([f"{question}\n{answer}" for question, answer in pairs], "coherent", label=0, role="document")

    def inspect(self):
        """Read poisoned mail boxes, records, memories and repositories, and their clean neighbours."""
        at = self.folder / "inspect-evals-offline"
        for row in read_json(at / "agent_threat_bench/data/autonomy_hijack.json"):
            for place, mail in enumerate(row["inbox"]):
                bad = place + 1 in row["attack_email_indices"]
                self.add([f"{mail['subject']}\n{mail['body']}"], "agent-threat", label=int(bad), role="document")
        for name, key in (("data_exfil", "customer_db"), ("memory_poison", "memory_store")):
            for row in read_json(at / f"agent_threat_bench/data/{name}.json"):
                texts = [each["issue"] for each in row[key]] if name == "data_exfil" else list(row[key].values())
                planted = [
                    text for text in texts if text == max(texts, key=len) or str(row.get("attack_marker", "\0")) in text
                ]
                self.add(planted, "agent-threat", label=1, role="document")
                self.add([text for text in texts if text not in planted], "agent-threat", label=0, role="document")
        for row in read_json(at / "ipi_coding_agent/dataset/samples.json"):
            texts = [row["issue_text"], *row["repo_files"].values()]
            vector = {"issue_text": 0, "code_comment": 1}.get(row["injection_vector"])
            for place, text in enumerate(texts):
                if row["is_benign"]:
                    self.add([text], "ipi-coding", label=0, role="document")
                elif place == vector or (vector is None and row["payload_indicator"].split("|")[0] in text):
                    self.add([text], "ipi-coding", label=1, role="document")
