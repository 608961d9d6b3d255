DROP TABLE cleanings;
