-- SPDX-License-Identifier: Apache-2.0
-- What every nursery begins with: reference values of domain.md 5.3, 5.4 and 16, and the author of
-- automatic rows. No person and no password.
INSERT INTO users (email, first_name, last_name, role, is_system)
VALUES ('system@demeter.invalid', 'Demeter', 'System', 'viewer', TRUE);

INSERT INTO storage_bin_types
    (code, name, category, is_grid, rows, columns, capacity, length_cm, width_cm, height_cm)
VALUES
    ('PLUG_TRAY_288', 'Plug de 288', 'plug', TRUE, 18, 16, 288, 54, 27.5, NULL),
    ('PLUG_TRAY_128', 'Plug de 128', 'plug', TRUE, 8, 16, 128, 54, 27.5, NULL),
    ('PLUG_TRAY_72', 'Plug de 72', 'plug', TRUE, 6, 12, 72, 54, 27.5, NULL),
    ('SEEDLING_TRAY_50', 'Almácigo de 50', 'seedling_tray', TRUE, 5, 10, 50, 54, 27.5, NULL),
    ('SEEDLING_TRAY_84', 'Almácigo de 84', 'seedling_tray', TRUE, 7, 12, 84, 54, 27.5, NULL),
    ('SEEDLING_TRAY_252', 'Almácigo de 252', 'seedling_tray', TRUE, 14, 18, 252, 54, 27.5, NULL),
    ('SEEDLING_TRAY_1000', 'Almácigo de 1000', 'seedling_tray', FALSE, NULL, NULL, 1000, 54, 27.5,
     NULL),
    ('BOX_STANDARD', 'Cajón', 'box', FALSE, NULL, NULL, 100, 60, 40, 30),
    ('SEGMENT_STANDARD', 'Segmento', 'segment', FALSE, NULL, NULL, NULL, NULL, NULL, NULL),
    ('POT_10CM', 'Maceta de 10 cm', 'pot', FALSE, NULL, NULL, 1, 10, 10, 10);

INSERT INTO product_states (code, name, is_sellable, sort_order)
VALUES
    ('SEED', 'Semilla', FALSE, 10),
    ('GERMINATING', 'Germinando', FALSE, 20),
    ('SEEDLING', 'Plántula', FALSE, 30),
    ('JUVENILE', 'Juvenil', FALSE, 40),
    ('ADULT', 'Adulta', TRUE, 50),
    ('FLOWERING', 'En flor', TRUE, 60),
    ('FRUITING', 'Con frutos', TRUE, 70),
    ('DORMANT', 'En reposo', TRUE, 80),
    ('PROPAGATING', 'En propagación', FALSE, 90),
    ('DYING', 'Muriendo', FALSE, 100),
    ('DEAD', 'Muerta', FALSE, 110);

INSERT INTO product_sizes (code, name, min_height_cm, max_height_cm, sort_order)
VALUES
    ('XS', 'Muy chica', 0, 5, 10),
    ('S', 'Chica', 5, 10, 20),
    ('M', 'Mediana', 10, 20, 30),
    ('L', 'Grande', 20, 40, 40),
    ('XL', 'Muy grande', 40, 80, 50),
    ('XXL', 'Enorme', 80, NULL, 60),
    ('CUSTOM', 'A medida', NULL, NULL, 70);

INSERT INTO product_categories (code, name, sort_order, active)
VALUES
    ('CACTUS', 'Cactus', 10, TRUE),
    ('SUCCULENT', 'Suculenta', 20, TRUE),
    ('GRAFTED', 'Injerto', 30, TRUE),
    ('AGAVE', 'Agave', 40, TRUE),
    ('BROMELIAD', 'Bromelia', 50, FALSE),
    ('CARNIVOROUS', 'Carnívora', 60, FALSE),
    ('ORCHID', 'Orquídea', 70, FALSE),
    ('FERN', 'Helecho', 80, FALSE),
    ('TROPICAL', 'Tropical', 90, FALSE),
    ('HERB', 'Aromática', 100, FALSE);

INSERT INTO packaging_types (code, name)
VALUES
    ('RIGIDA', 'Rígida'),
    ('TERMOFORMADA', 'Termoformada'),
    ('SOPLADA', 'Soplada'),
    ('FLEXIBLE', 'Flexible'),
    ('TERRINA', 'Terrina');

INSERT INTO packaging_materials (code, name)
VALUES
    ('PLASTICO', 'Plástico'),
    ('POLIETILENO', 'Polietileno'),
    ('BARRO', 'Barro'),
    ('BIODEGRADABLE', 'Biodegradable');

INSERT INTO packaging_colors (code, name, hex_code)
VALUES
    ('TERRACOTA', 'Terracota', '#C66B3D'),
    ('DORADA', 'Dorada', '#D4AF37'),
    ('GRIS', 'Gris', '#808080'),
    ('BLANCA', 'Blanca', '#FFFFFF'),
    ('AZUL', 'Azul', '#1F4E9E'),
    ('NEGRA', 'Negra', '#1A1A1A'),
    ('VIOLETA', 'Violeta', '#7F3FBF');
