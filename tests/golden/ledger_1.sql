BEGIN TRANSACTION;
CREATE TABLE entries ( project TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, hash TEXT NOT NULL, UNIQUE (project, seq), UNIQUE (project, key));
INSERT INTO "entries" VALUES('flight-delay',1,'snapshot','snapshot-2013-03-01','{"actor":"cli","at":"2013-03-01T00:00:00Z","body":{"artifacts":{"manifest":"b3:abababababababababababababababababababababababababababababababab"},"big":1e+16,"none":null,"ok":true,"rows":336776,"share":0.1,"tiny":1e-07},"key":"snapshot-2013-03-01","kind":"snapshot","prev":"0000000000000000000000000000000000000000000000000000000000000000","project":"flight-delay","recorded_at":"2024-05-06T07:08:09.000123Z","seq":1,"version":1}','ce5c70ea308bbae898b55f99bc45de67ae25becba01ac077bd82c63a76e7e1aa');
INSERT INTO "entries" VALUES('flight-delay',2,'erasure','Löschung-1','{"actor":"Zoë","at":"2013-03-01T12:30:00.500000Z","body":{"new":null,"old":"b3:abababababababababababababababababababababababababababababababab","rows_removed":3},"key":"Löschung-1","kind":"erasure","prev":"ce5c70ea308bbae898b55f99bc45de67ae25becba01ac077bd82c63a76e7e1aa","project":"flight-delay","recorded_at":"2024-05-06T07:08:09.000123Z","seq":2,"version":1}','b5d03ea14b4b95cfd709df822dd471a644ee9b77b4a3831f97f0831d4e17dfef');
CREATE INDEX entries_by_kind ON entries (project, kind, seq);
COMMIT;
PRAGMA user_version = 1;
